import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('bots', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Session',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scene', models.CharField(choices=[('c2c', 'private chat'), ('group', 'group'), ('guild', 'guild channel'), ('dm', 'guild direct message')], max_length=8)),
                ('target_id', models.CharField(max_length=128)),
                ('name', models.CharField(blank=True, max_length=120)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_at', models.DateTimeField(db_index=True)),
                ('bot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='bots.bot')),
            ],
        ),
        migrations.CreateModel(
            name='InboundMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('qq_id', models.CharField(max_length=200)),
                ('event_id', models.CharField(blank=True, max_length=200)),
                ('event_type', models.CharField(max_length=40)),
                ('twin', models.CharField(blank=True, max_length=200)),
                ('author_id', models.CharField(blank=True, max_length=128)),
                ('author_name', models.CharField(blank=True, max_length=120)),
                ('content', models.TextField(blank=True)),
                ('raw_content', models.TextField(blank=True)),
                ('attachments', models.JSONField(blank=True, default=list)),
                ('addressed', models.BooleanField(default=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('received_at', models.DateTimeField()),
                ('raw', models.JSONField(default=dict)),
                ('bot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='inbound_messages', to='bots.bot')),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='inbound_messages', to='conversations.session')),
            ],
        ),
        migrations.CreateModel(
            name='PlatformEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.CharField(max_length=60)),
                ('event_id', models.CharField(blank=True, max_length=200)),
                ('data', models.JSONField(default=dict)),
                ('received_at', models.DateTimeField()),
                ('bot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='platform_events', to='bots.bot')),
            ],
            options={
                'indexes': [models.Index(fields=['bot', '-id'], name='events_of_bot')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('event_id', ''), _negated=True), fields=('bot', 'event_id'), name='one_row_per_platform_event')],
            },
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(fields=['-last_at', '-id'], name='session_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.UniqueConstraint(fields=('bot', 'scene', 'target_id'), name='one_session_per_target'),
        ),
        migrations.AddIndex(
            model_name='inboundmessage',
            index=models.Index(fields=['session', 'id'], name='inbound_of_session'),
        ),
        migrations.AddIndex(
            model_name='inboundmessage',
            index=models.Index(fields=['session', 'twin'], name='inbound_twin'),
        ),
        migrations.AddConstraint(
            model_name='inboundmessage',
            constraint=models.UniqueConstraint(fields=('bot', 'qq_id'), name='one_inbound_row_per_qq_message'),
        ),
    ]
