"""The audit trail can be added to and chained, and nothing else: the database itself refuses to change or empty it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION core_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.position IS NULL AND OLD.digest = '' AND NEW.position IS NOT NULL AND NEW.digest <> ''
            AND (NEW.id, NEW.at, NEW.actor, NEW.action, NEW.subject, NEW.detail)
                IS NOT DISTINCT FROM (OLD.id, OLD.at, OLD.actor, OLD.action, OLD.subject, OLD.detail)
            AND NEW.person IS NOT DISTINCT FROM OLD.person
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON core_auditentry
    FOR EACH ROW EXECUTE FUNCTION core_audit_refuse();
CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON core_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION core_audit_refuse();
"""
BACKWARD = """
DROP TRIGGER audit_table_stays ON core_auditentry;
DROP TRIGGER audit_rows_stay ON core_auditentry;
DROP FUNCTION core_audit_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_sign_in")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
