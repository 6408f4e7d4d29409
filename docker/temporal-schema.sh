#!/bin/sh
# Brings both of Temporal's databases to the schema of its version; may be repeated, also after an upgrade of the image.
# SQL_PASSWORD holds the password.
set -eu
schema() {
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$1" setup-schema -v 0.0
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$1" update-schema \
    -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}
schema temporal temporal
schema temporal_visibility visibility
