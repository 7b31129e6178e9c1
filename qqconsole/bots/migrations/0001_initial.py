import django.core.validators
import django.db.models.deletion
import qqconsole.bots.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Bot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('is_demo', models.BooleanField(default=False, editable=False)),
                ('app_id', models.CharField(max_length=64, verbose_name='app id')),
                ('secret', qqconsole.bots.fields.EncryptedTextField(editable=False, verbose_name='secret')),
                ('api_base', models.CharField(default='https://api.bot.qq.com', max_length=300, verbose_name='API base address')),
                ('token_url', models.CharField(default='https://api.bot.qq.com/app/getAppAccessToken', max_length=300, verbose_name='token address')),
                ('allow_private_urls', models.BooleanField(default=False, verbose_name='allow private addresses for media')),
                ('message_timeout', models.FloatField(default=5.0, verbose_name='time-out of a message or frame, seconds')),
                ('upload_timeout', models.FloatField(default=120.0, verbose_name='time-out of an upload, seconds')),
                ('stream_rate', models.FloatField(default=45.0, validators=[django.core.validators.MinValueValidator(0.1)], verbose_name='stream frames a second')),
                ('message_rate', models.FloatField(default=90.0, validators=[django.core.validators.MinValueValidator(0.1)], verbose_name='messages a second')),
                ('dialect', models.CharField(choices=[('stream_messages', 'stream_messages (current)'), ('messages.stream', 'messages.stream (older)')], default='stream_messages', max_length=20, verbose_name='dialect')),
                ('throttle_ms', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MaxValueValidator(60000)], verbose_name='shortest time between frames, ms')),
                ('open_after', models.PositiveIntegerField(default=12, verbose_name='visible characters before a stream opens')),
                ('markdown', models.BooleanField(default=True, verbose_name='send native markdown')),
                ('on_dead_reference', models.CharField(choices=[('proactive', 'send proactively'), ('fail', 'fail the delivery')], default='proactive', max_length=12, verbose_name='when the msg_id is dead')),
                ('notice_enabled', models.BooleanField(default=True, verbose_name='tell the user when an answer fails')),
                ('notice_text', models.CharField(default='抱歉，这次没能回答，请稍后再试。', max_length=200, verbose_name='what the user is told')),
                ('source', models.CharField(choices=[('openai', 'OpenAI-compatible model')], default='openai', max_length=20, verbose_name='reply source')),
                ('source_url', models.CharField(blank=True, max_length=300, verbose_name='model address')),
                ('source_model', models.CharField(blank=True, max_length=120, verbose_name='model')),
                ('source_key', qqconsole.bots.fields.EncryptedTextField(blank=True, editable=False, verbose_name='model key')),
                ('system_prompt', models.TextField(blank=True, verbose_name='system prompt')),
                ('history_turns', models.PositiveIntegerField(default=10, verbose_name='turns of history sent to the model')),
                ('model_silence_timeout', models.FloatField(default=120.0, verbose_name='longest silence of the model, seconds')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='BotConnection',
            fields=[
                ('bot', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='connection', serialize=False, to='bots.bot')),
                ('state', models.CharField(choices=[('never', 'not connected yet'), ('connecting', 'connecting'), ('connected', 'connected'), ('waiting', 'waiting to reconnect'), ('refused', 'refused by QQ'), ('stopped', 'stopped')], default='never', max_length=12)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('code', models.IntegerField(null=True)),
                ('detail', models.TextField(blank=True)),
                ('since', models.DateTimeField(null=True)),
                ('seen_at', models.DateTimeField(null=True)),
                ('gateway_session', models.CharField(blank=True, max_length=200)),
                ('gateway_seq', models.BigIntegerField(default=0)),
                ('qq_id', models.CharField(blank=True, max_length=64)),
                ('qq_name', models.CharField(blank=True, max_length=120)),
                ('holder', models.CharField(blank=True, max_length=64)),
            ],
        ),
    ]
