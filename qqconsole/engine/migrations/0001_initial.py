from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ProcessBeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('owner', models.CharField(max_length=64)),
                ('kind', models.CharField(max_length=10)),
                ('seen_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['kind', '-seen_at'], name='latest_beat')],
                'constraints': [models.UniqueConstraint(fields=('owner', 'kind'), name='one_beat_per_process_and_kind')],
            },
        ),
    ]
