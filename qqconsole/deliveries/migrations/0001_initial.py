import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('bots', '0001_initial'),
        ('conversations', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('reply', 'reply'), ('message', 'message'), ('media', 'media')], default='reply', max_length=8)),
                ('status', models.CharField(choices=[('queued', 'queued'), ('sending', 'sending'), ('delivered', 'delivered'), ('in_review', 'in review'), ('failed', 'failed'), ('unknown', 'unknown'), ('interrupted', 'interrupted'), ('cancelled', 'cancelled')], default='queued', max_length=12)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('code', models.IntegerField(null=True)),
                ('detail', models.TextField(blank=True)),
                ('generated_text', models.TextField(blank=True)),
                ('reasoning_text', models.TextField(blank=True)),
                ('seq', models.PositiveIntegerField(default=0)),
                ('owner', models.CharField(blank=True, max_length=64)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.PositiveIntegerField(default=0)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('inbound', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='deliveries', to='conversations.inboundmessage')),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='conversations.session')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('why', models.CharField(blank=True, max_length=200)),
                ('status', models.CharField(choices=[('queued', 'queued'), ('sending', 'sending'), ('delivered', 'delivered'), ('in_review', 'in review'), ('failed', 'failed'), ('unknown', 'unknown'), ('interrupted', 'interrupted'), ('cancelled', 'cancelled')], default='sending', max_length=12)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='deliveries.delivery')),
            ],
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('stream', 'stream'), ('plain', 'plain message'), ('media', 'media')], max_length=8)),
                ('purpose', models.CharField(default='reply', max_length=12)),
                ('status', models.CharField(choices=[('open', 'open'), ('closed', 'closed'), ('ended_by_qq', 'ended by QQ'), ('unclosed', 'left open'), ('delivered', 'delivered'), ('in_review', 'in review'), ('failed', 'failed'), ('unknown', 'unknown')], default='open', max_length=12)),
                ('dialect', models.CharField(blank=True, max_length=20)),
                ('stream_id', models.CharField(blank=True, max_length=200)),
                ('reference', models.CharField(blank=True, max_length=200)),
                ('text', models.TextField(blank=True)),
                ('accepted_length', models.PositiveIntegerField(default=0)),
                ('media', models.JSONField(null=True)),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('seq', models.PositiveIntegerField(default=0)),
                ('attempt', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='deliveries.attempt')),
            ],
        ),
        migrations.CreateModel(
            name='PassivePair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('target_id', models.CharField(max_length=128)),
                ('msg_id', models.CharField(max_length=200)),
                ('msg_seq', models.PositiveBigIntegerField()),
                ('chunk_number', models.PositiveIntegerField(null=True)),
                ('bot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='bots.bot')),
                ('segment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pairs', to='deliveries.segment')),
            ],
        ),
        migrations.CreateModel(
            name='Chunk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('opening', 'opening'), ('middle', 'middle'), ('closing', 'closing'), ('plain', 'plain message'), ('upload', 'upload'), ('media', 'media')], max_length=8)),
                ('status', models.CharField(choices=[('sending', 'sending'), ('accepted', 'accepted'), ('duplicate', 'duplicate refused'), ('in_review', 'in review'), ('refused', 'refused'), ('throttled', 'throttled'), ('unknown', 'unknown')], default='sending', max_length=10)),
                ('state', models.PositiveSmallIntegerField(null=True)),
                ('index', models.IntegerField(null=True)),
                ('msg_seq', models.PositiveBigIntegerField(null=True)),
                ('start', models.PositiveIntegerField(default=0)),
                ('text', models.TextField(blank=True)),
                ('why', models.CharField(blank=True, max_length=20)),
                ('request', models.JSONField(default=dict)),
                ('http_status', models.PositiveSmallIntegerField(null=True)),
                ('code', models.IntegerField(null=True)),
                ('message', models.TextField(blank=True)),
                ('trace_id', models.CharField(blank=True, max_length=128)),
                ('answer', models.TextField(blank=True)),
                ('sent_at', models.DateTimeField()),
                ('answered_at', models.DateTimeField(null=True)),
                ('elapsed_ms', models.FloatField(null=True)),
                ('seq', models.PositiveIntegerField(default=0)),
                ('segment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='deliveries.segment')),
            ],
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['session', 'id'], name='deliveries_of_session'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['status', 'lease_until'], name='deliveries_to_sweep'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['status', '-id'], name='deliveries_by_status'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'reply')), fields=('inbound',), name='one_reply_per_inbound_message'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(fields=('delivery', 'number'), name='one_number_per_attempt_of_delivery'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.UniqueConstraint(fields=('attempt', 'number'), name='one_number_per_segment_of_attempt'),
        ),
        migrations.AddConstraint(
            model_name='passivepair',
            constraint=models.UniqueConstraint(fields=('bot', 'target_id', 'msg_id', 'msg_seq'), name='one_owner_per_passive_pair'),
        ),
        migrations.AddConstraint(
            model_name='chunk',
            constraint=models.UniqueConstraint(fields=('segment', 'number'), name='one_number_per_chunk_of_segment'),
        ),
    ]
