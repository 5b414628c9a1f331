#!/bin/sh
# Run once by the postgres image, on an empty volume. CREATEROLE is for the migrations, which
# make the narrower roles that row-level security knows.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$DATABASE_PASSWORD" \
     --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
CREATE ROLE tokenwacht LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE tokenwacht OWNER tokenwacht;
SQL
