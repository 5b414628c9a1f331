#!/bin/sh
# Run once by the postgres image, on an empty volume: the product's three roles, none of which
# walks through row-level security (accounts/walls.py).
set -eu
psql --set=ON_ERROR_STOP=1 --set=owner="$DATABASE_PASSWORD" \
     --set=web="$WEB_DATABASE_PASSWORD" --set=engine="$ENGINE_DATABASE_PASSWORD" \
     --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
CREATE ROLE tokenwacht LOGIN PASSWORD :'owner';
CREATE ROLE tokenwacht_web LOGIN PASSWORD :'web';
CREATE ROLE tokenwacht_engine LOGIN PASSWORD :'engine';
CREATE DATABASE tokenwacht OWNER tokenwacht;
SQL
