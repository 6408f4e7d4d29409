/**
 * What `--template` prints. The recipients are no numbers, so that an example line that was left in is refused and
 * pays nobody.
 */
export const CSV_TEMPLATE = `amount;currency;method;msisdn;reference;email;first_name;last_name;description
5000;XOF;orange_sn;77XXXXXXX;may-0001;awa@example.com;Awa;Ndiaye;Salary of May
7500;XOF;orange_sn;78XXXXXXX;may-0002;moussa@example.com;Moussa;Fall;Salary of May
`;
