"""Django's settings, from the environment (docs/settings.md lists every variable)."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab
from django.utils.translation import gettext_lazy as _

from qqconsole import environment
from qqconsole.environment import BASE_DIR, read, read_days, read_flag, read_list, read_port

HOME = environment.data_folder()
PORT = read_port("QQCONSOLE_PORT", 8000)

SECRET_KEY = read("QQCONSOLE_SECRET_KEY") or environment.stored(HOME / "secret_key", environment.new_secret_key)
ENCRYPTION_KEY_FILE = HOME / "encryption_keys"
ENCRYPTION_KEYS = read_list("QQCONSOLE_ENCRYPTION_KEYS", []) or [
    line for line in environment.stored(ENCRYPTION_KEY_FILE, environment.new_encryption_key).split() if line
]

DEBUG = read_flag("QQCONSOLE_DEBUG")
ALLOWED_HOSTS = read_list("QQCONSOLE_ALLOWED_HOSTS", environment.machine_names())
CSRF_TRUSTED_ORIGINS = read_list("QQCONSOLE_TRUSTED_ORIGINS", [])
BEHIND_HTTPS = read_flag("QQCONSOLE_BEHIND_HTTPS")

INSTALLED_APPS = [
    "qqconsole.admin_config.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "qqconsole.accounts",
    "qqconsole.bots",
    "qqconsole.conversations",
    "qqconsole.media",
    "qqconsole.deliveries",
    "qqconsole.engine",
]
MIDDLEWARE = [
    "qqconsole.charsets.CharsetMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "qqconsole.security.ContentPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DEFAULT_EXCEPTION_REPORTER_FILTER = "qqconsole.error_reports.QuietReports"
ROOT_URLCONF = "qqconsole.urls"
ASGI_APPLICATION = "qqconsole.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": environment.database(HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = read("REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "qqconsole"},
    }
    if REDIS_URL
    else {"BACKEND": "qqconsole.live.layer.ThreadSafeLayer"}
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
# Shorter than the longest stream, and Redis hands a running delivery to a second worker (measured).
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"visibility_timeout": 3600} if REDIS_URL else {"polling_interval": 0.02}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Of all pools only this one shares the process's loop; a task is a thread that waits, made when it is needed.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 1000
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A worker takes what it has a thread for, and leaves the rest to the others (only Redis knows this).
CELERY_WORKER_DISABLE_PREFETCH = bool(REDIS_URL)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "expired sign-ins are forgotten": {"task": "accounts.clear_sessions", "schedule": crontab(hour="4", minute="0")},
    "old media are removed": {"task": "media.clean", "schedule": crontab(hour="4", minute="30")},
    "old deliveries are removed": {"task": "deliveries.remove_old", "schedule": crontab(hour="5", minute="0")},
    "old sends are forgotten": {"task": "deliveries.forget_sends", "schedule": crontab(hour="4", minute="45")},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "celerybeat-schedule")

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

SESSION_COOKIE_NAME = "qqconsole_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "qqconsole_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 3600

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = read("QQCONSOLE_TIME_ZONE", "Asia/Shanghai")

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served straight from static/: no collectstatic before the first start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False

STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "media": environment.media_storage(HOME),
}
MEDIA_KEEP_DAYS = read_days("QQCONSOLE_MEDIA_KEEP_DAYS", 30)
KEEP_DAYS = read_days("QQCONSOLE_KEEP_DAYS", 0, least=0)

LOG_LEVEL = read("QQCONSOLE_LOG_LEVEL", "INFO").upper()
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"key_value": {"()": "qqconsole.logs.KeyValueFormatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "key_value"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "qqconsole": {"level": LOG_LEVEL},
        "adapter": {"level": LOG_LEVEL},
        # botpy prints the Authorization header when it debugs.
        "botpy": {"handlers": ["nowhere"], "level": "CRITICAL", "propagate": False},
    },
}
