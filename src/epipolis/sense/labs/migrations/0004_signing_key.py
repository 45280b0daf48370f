from django.db import migrations, models


class Migration(migrations.Migration):
    """A device that was registered before has no key yet: what it sends over a broker waits until its token is renewed."""

    dependencies = [("labs", "0003_one_word_for_unusable_samples")]

    operations = [
        migrations.AddField(model_name="device", name="signing_key", field=models.BinaryField(default=b"")),
    ]
