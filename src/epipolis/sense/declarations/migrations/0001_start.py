import django.contrib.postgres.fields
import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cases', '0004_start'),
        ('city', '0001_start'),
        ('people', '0002_matching'),
    ]

    operations = [
        migrations.CreateModel(
            name='Household',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('number_hash', models.CharField(max_length=64, unique=True)),
                ('secret_hash', models.CharField(max_length=64)),
                ('failures', models.SmallIntegerField(default=0)),
                ('expires', models.DateTimeField()),
                ('sender_hash', models.CharField(blank=True, max_length=64)),
                ('needs', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('food', 'food'), ('medicine', 'medicine'), ('care', 'nursing or help at home'), ('childcare', 'somebody for the children'), ('pets', 'somebody for the pets'), ('money', 'help with money'), ('talk', 'somebody to talk to')], max_length=12), blank=True, default=list, size=None)),
                ('language', models.CharField(blank=True, max_length=10, verbose_name='language')),
                ('started', models.DateTimeField()),
                ('simulated', models.BooleanField(default=False)),
                ('district', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='city.district')),
                ('neighbourhood', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='city.neighbourhood')),
            ],
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('care', 'so that a doctor or nurse can call me'), ('tracing', 'so that people I met can be warned'), ('aid', 'so that help can be brought to me'), ('permit', 'so that my work, school or travel can be shown that I am well')], max_length=8)),
                ('given', models.DateTimeField()),
                ('withdrawn', models.DateTimeField(null=True)),
                ('household', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='declarations.household')),
            ],
        ),
        migrations.CreateModel(
            name='Member',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('relation', models.CharField(choices=[('self', 'myself'), ('partner', 'partner'), ('child', 'child'), ('parent', 'parent'), ('other', 'somebody else in my household')], max_length=8, verbose_name='relation')),
                ('label', models.BinaryField(default=b'')),
                ('age_from', models.SmallIntegerField(null=True)),
                ('age_to', models.SmallIntegerField(null=True)),
                ('added', models.DateTimeField()),
                ('household', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='declarations.household')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='people.person')),
            ],
        ),
        migrations.CreateModel(
            name='Declaration',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('day', models.DateField(verbose_name='day')),
                ('symptoms', models.JSONField(default=dict)),
                ('circumstances', models.JSONField(default=dict)),
                ('onset', models.DateField(null=True, verbose_name='first symptoms')),
                ('temperature', models.DecimalField(decimal_places=1, max_digits=3, null=True, verbose_name='temperature, °C')),
                ('advice', models.CharField(choices=[('emergency', 'Call the emergency number now'), ('test', 'Stay at home and get tested'), ('stay', 'Stay at home and watch yourself'), ('unsure', 'Some answers are missing'), ('well', 'Nothing to do now')], max_length=10)),
                ('is_ill', models.BooleanField()),
                ('decision', models.JSONField()),
                ('channel', models.CharField(choices=[('web', 'on the web'), ('sms', 'by text message'), ('phone', 'by telephone, entered by staff'), ('kiosk', 'at a counter or kiosk')], max_length=6)),
                ('by', models.CharField(max_length=150)),
                ('at', models.DateTimeField()),
                ('known_at', models.DateTimeField()),
                ('client_id', models.UUIDField(null=True, unique=True)),
                ('is_current', models.BooleanField(default=True)),
                ('simulated', models.BooleanField(default=False)),
                ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cases.case')),
                ('district', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='city.district')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='declarations', to='declarations.member')),
            ],
        ),
        migrations.AddIndex(
            model_name='household',
            index=models.Index(fields=['expires'], name='households_by_end'),
        ),
        migrations.AddConstraint(
            model_name='household',
            constraint=models.UniqueConstraint(condition=models.Q(('sender_hash', ''), _negated=True), fields=('sender_hash',), name='one_household_a_telephone'),
        ),
        migrations.AddConstraint(
            model_name='consent',
            constraint=models.UniqueConstraint(condition=models.Q(('withdrawn', None)), fields=('household', 'purpose'), name='one_consent_a_purpose'),
        ),
        migrations.AddIndex(
            model_name='declaration',
            index=models.Index(condition=models.Q(('is_current', True)), fields=['day', 'district'], name='declarations_by_day'),
        ),
        migrations.AddIndex(
            model_name='declaration',
            index=models.Index(fields=['known_at'], name='declarations_by_age'),
        ),
        migrations.AddConstraint(
            model_name='declaration',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('member', 'day'), name='one_declaration_a_day'),
        ),
    ]
