import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cases', '0003_order'),
    ]

    operations = [
        migrations.CreateModel(
            name='Judgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_source', models.BooleanField()),
                ('reason', models.CharField(max_length=500, verbose_name='reason')),
                ('by', models.CharField(max_length=150)),
                ('at', models.DateTimeField()),
                ('undone', models.DateTimeField(null=True)),
                ('undone_by', models.CharField(blank=True, max_length=150)),
                ('infectee', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.case')),
                ('infector', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.case')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('undone', None)), fields=('infectee', 'infector'), name='one_judgement_a_pair'), models.UniqueConstraint(condition=models.Q(('is_source', True), ('undone', None)), fields=('infectee',), name='one_decided_source_a_case')],
            },
        ),
        migrations.CreateModel(
            name='Link',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('probability', models.FloatField(verbose_name='probability')),
                ('days', models.SmallIntegerField(null=True, verbose_name='days between the onsets')),
                ('basis', models.CharField(choices=[('judged', 'decided by a person'), ('told', 'named in the report'), ('met', 'they met')], max_length=6, verbose_name='rests on')),
                ('minutes', models.PositiveIntegerField(default=0, verbose_name='minutes shared')),
                ('rule', models.CharField(max_length=120)),
                ('made', models.DateTimeField()),
                ('infectee', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.case')),
                ('infector', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.case')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('infectee', 'infector'), name='a_link_once')],
            },
        ),
    ]
