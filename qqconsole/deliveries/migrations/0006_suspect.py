from django.db import migrations, models

FIELD = {"default": False, "verbose_name": "QQ may have dropped it"}


class Migration(migrations.Migration):
    dependencies = [
        ("deliveries", "0005_tail"),
    ]

    operations = [
        migrations.AddField("delivery", "suspect", models.BooleanField(**FIELD)),
        migrations.AddField("segment", "suspect", models.BooleanField(**FIELD)),
        migrations.AddField("chunk", "suspect", models.BooleanField(**FIELD)),
        migrations.AddIndex(
            "delivery",
            models.Index(fields=["-id"], condition=models.Q(suspect=True), name="deliveries_suspect"),
        ),
    ]
