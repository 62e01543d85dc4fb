-- sudo -u postgres psql -f docs/deployment/postgresql.sql
-- Role and database. C.UTF-8 sorts by code point, the same on every host and after every upgrade of the C library,
-- so no index ever needs rebuilding for a changed sort order.
CREATE ROLE fieldapp LOGIN;
CREATE DATABASE fieldapp OWNER fieldapp ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0;
REVOKE ALL ON DATABASE fieldapp FROM PUBLIC;
ALTER ROLE fieldapp IN DATABASE fieldapp SET timezone = 'UTC';
-- A page that needs longer than this is a mistake; a transaction left open would hold locks and old rows.
ALTER ROLE fieldapp IN DATABASE fieldapp SET statement_timeout = '30s';
ALTER ROLE fieldapp IN DATABASE fieldapp SET lock_timeout = '10s';
ALTER ROLE fieldapp IN DATABASE fieldapp SET idle_in_transaction_session_timeout = '60s';
