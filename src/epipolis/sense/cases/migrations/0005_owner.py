from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0004_start")]

    operations = [
        migrations.AddField(
            model_name="case",
            name="owner",
            field=models.CharField(blank=True, db_default="", default="", max_length=200, verbose_name="owned by"),
        ),
    ]
