#!/bin/sh
# Makes the database and the three users of roles.sql on the first start of a ClickHouse container, with the passwords of
# the environment. They travel in URLs and SQL: letters and digits only.
set -eu
for password in "$DASHBOARD_PASSWORD" "$INGEST_PASSWORD" "$ADMIN_PASSWORD"; do
  case $password in
    '' | *[!A-Za-z0-9]*) echo "DASHBOARD_PASSWORD, INGEST_PASSWORD and ADMIN_PASSWORD have letters and digits only" >&2; exit 1 ;;
  esac
done
sed -e "s/change-me-1/$DASHBOARD_PASSWORD/" -e "s/change-me-2/$INGEST_PASSWORD/" -e "s/change-me-3/$ADMIN_PASSWORD/" \
  /livewall/roles.sql | clickhouse-client --multiquery --user "${CLICKHOUSE_USER:-default}" --password "${CLICKHOUSE_PASSWORD:-}"
