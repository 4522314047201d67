-- A role and a database for Counterfoil, made by a superuser, with psql 14 or newer (on the way back from an upgrade: the database alone):
--
--   runuser -u postgres -- psql < create.sql
--
-- On the same machine no password is needed: the account counterfoil comes in by the socket, as itself (peer):
--   database_url = "postgresql:///counterfoil?host=/run/postgresql"
-- From elsewhere it is; COUNTERFOIL_DB_PASSWORD names it here, and a file holds the address there (database_url = "file:database.url"):
--   postgresql://counterfoil:PASSWORD@db.example.com/counterfoil?sslmode=verify-full
--
-- A server process opens up to 20 connections, one to listen, and one for each organisation that it speaks to. Between it and PostgreSQL there
-- may be a pooler only if that leaves each session to itself (pool_mode = session): locks and LISTEN belong to a session.

\set ON_ERROR_STOP on
\getenv password COUNTERFOIL_DB_PASSWORD

SELECT 'CREATE ROLE counterfoil LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'counterfoil') \gexec
\if :{?password}
ALTER ROLE counterfoil PASSWORD :'password';
\endif

-- Sorted and compared the same on every machine, whatever its locale: a library that sorts otherwise after an upgrade spoils no index.
CREATE DATABASE counterfoil OWNER counterfoil TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';

-- Nobody else comes in, and nobody else makes tables there.
REVOKE CONNECT, TEMPORARY ON DATABASE counterfoil FROM PUBLIC;
\connect counterfoil
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO counterfoil;
