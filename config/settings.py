"""All settings. Nothing exists only in production: environment variables make the difference.

docs/configuration.md explains each variable. Every variable NAME can also be given as NAME_FILE,
the path of a file that holds the value, which is how container secrets arrive.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import embedded, environment, limits, logs
from networks import registry

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.Environment()

# pytest sets this for its whole session: the file below then replaces the developer's own.
TESTING = "PYTEST_VERSION" in os.environ
# What this checkout keeps for itself: databases, generated secrets. Never used in production.
LOCAL_DIR = env.path("LOCAL_DIR", default=str(BASE_DIR / ".local"))
env.read_env(
    BASE_DIR / "tests/config/test.env" if TESTING else Path(LOCAL_DIR("env")), encoding="utf-8"
)

# --- Secrets and addresses ---------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)


def required(name: str) -> str:
    """A variable without which production does not start, and development does."""
    value: str = env.str(name, default="")
    if not value and not DEBUG:
        raise ImproperlyConfigured(
            f"{name} is not set. In a checkout, `make install` writes it to .local/env; "
            f"in production, set {name} or {name}_FILE (docs/configuration.md)."
        )
    return value


# Signs sessions and links. Changing it signs everybody out and loses no data.
SECRET_KEY = required("SECRET_KEY") or "insecure-and-only-for-DEBUG"

# Where people reach us. Its scheme decides on TLS, its host is always allowed.
BASE_URL = (required("BASE_URL") or "http://127.0.0.1:8000").rstrip("/")
_address = urlsplit(BASE_URL)
if _address.scheme not in ("http", "https") or not _address.hostname:
    raise ImproperlyConfigured(f"BASE_URL must begin with http:// or https://, not {BASE_URL!r}.")
ALLOWED_HOSTS = [*env.list("ALLOWED_HOSTS", default=[]), _address.hostname]
CSRF_TRUSTED_ORIGINS = [BASE_URL]

# What wraps the organizations' data keys: the first wraps, all unwrap (tokens/keys.py).
TOKEN_KEYS = [key for key in required("TOKEN_KEYS").split(",") if key]
# The class that wraps and unwraps; ours does it with TOKEN_KEYS.
TOKEN_KEY_SOURCE = env.str("TOKEN_KEY_SOURCE", default="tokens.keys.SettingsKeys")

# --- PostgreSQL, and Redis or Valkey -----------------------------------------------------------

if not (env.str("DATABASE_URL", default="") and env.str("REDIS_URL", default="")):
    if not (DEBUG or TESTING):
        required("DATABASE_URL")
        required("REDIS_URL")
    # A test run has servers of its own, so that it and `make run` never meet.
    _servers = embedded.hold(
        Path(LOCAL_DIR(f"test-{os.getpid()}" if TESTING else "servers")), throw_away=TESTING
    )
    # Into the environment too, so that the processes we start join without asking.
    for name, address in _servers._asdict().items():
        os.environ[name.upper()] = env.ENVIRON.setdefault(name.upper(), address)

DATABASES = {
    "default": {
        **env.db("DATABASE_URL"),
        # Persistent connections, checked before use: a restarted database is no error page.
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
if TESTING:
    # Two test workers that share a Valkey each have a numbered database in it.
    REDIS_URL = environment.for_worker(REDIS_URL, env.str("PYTEST_XDIST_WORKER", default=""))
CACHES = {
    # Rate limits count here, over all web processes.
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}

# --- Applications ------------------------------------------------------------------------------

INSTALLED_APPS = [
    "config",
    "networks",
    "accounts",
    "profiles",
    "tokens",
    "notifications",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "django_htmx",
    "lucide",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Before staticfiles: the development server then serves them as production does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "config.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.Utf8Middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.ReaderMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.sessions.SessionAgeMiddleware",
    "accounts.tenancy.OrganizationMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
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
                "config.headers.csp",
            ],
        },
    },
]

# --- Signing in, by e-mail and by invitation only ----------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# The link of the invitation has proved the address; asking again would prove nothing more.
ACCOUNT_EMAIL_VERIFICATION = "none"
# Our own subjects say who writes; allauth's default would begin with the host in brackets.
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_RATE_LIMITS = limits.LIMITS
# A change of password, address or second factor is told by mail, in case it was somebody else.
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Seconds for which a sign-in, or a password or code typed since, opens what is sensitive.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
# How many proxies in front of us add to X-Forwarded-For: rate limits count by client address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("PROXY_COUNT", default=0)

# Second factor: codes of an app, passkeys, and codes on paper for the day when both are gone.
MFA_ADAPTER = "accounts.second_factor.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Tokenwacht"
MFA_FORMS = {
    "authenticate": "accounts.factor_forms.CodeForm",
    "reauthenticate": "accounts.factor_forms.CodeAgainForm",
    "activate_totp": "accounts.factor_forms.AppForm",
    "add_webauthn": "accounts.factor_forms.NewPasskeyForm",
    "edit_webauthn": "accounts.factor_forms.RenamePasskeyForm",
    "authenticate_webauthn": "accounts.factor_forms.PasskeyForm",
    "login_webauthn": "accounts.factor_forms.PasskeyAloneForm",
    "reauthenticate_webauthn": "accounts.factor_forms.PasskeyAgainForm",
}

# Single sign-on: each organization names its own OpenID provider (accounts/single_sign_on.py).
SOCIALACCOUNT_ADAPTER = "config.providers.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True}}
SOCIALACCOUNT_STORE_TOKENS = SOCIALACCOUNT_LOGIN_ON_GET = SOCIALACCOUNT_AUTO_SIGNUP = False
# Providers inside of the operator's own walls, as `host:port`: they may have a private address, and
# speak plain HTTP. All others are asked by https, at public addresses.
SINGLE_SIGN_ON_HOSTS = env.list("SINGLE_SIGN_ON_HOSTS", default=[])

# A session ends when nobody opens a page for so long, and at the latest so long after sign-in.
ACCOUNT_SESSION_REMEMBER = True
SESSION_COOKIE_AGE = env.int("SESSION_IDLE", default=24 * 3600)
SESSION_LIFETIME = env.int("SESSION_LIFETIME", default=7 * 24 * 3600)

_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
]
if TESTING:
    # A slow hash protects real passwords and only delays tests.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# --- Languages and time ------------------------------------------------------------------------

LANGUAGE_CODE = "de"
LANGUAGES = [("de", _("German")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"

# --- Static files ------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "staticfiles": {
        # Names with a hash may be cached for ever. While developing, files change in place.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    }
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or TESTING
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- Security: docs.djangoproject.com/en/5.2/ref/middleware/#security-middleware ------------------

_https = _address.scheme == "https"
# No neighbour below our domain can set a cookie of such a name: RFC 6265bis, 4.1.3.2.
_host = "__Host-" if _https else ""
SESSION_COOKIE_NAME = f"{_host}sessionid"
CSRF_COOKIE_NAME = f"{_host}csrftoken"
LANGUAGE_COOKIE_NAME = f"{_host}language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
# Messages name people and profiles; the default would lay them into a cookie of their own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# Lax and not Strict: networks send the browser back to us with a plain link.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = _https
# The container's own health check speaks plain HTTP to its own port.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
# TLS ends at the proxy in front of us, which must set or remove this header itself.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Mail --------------------------------------------------------------------------------------

# Without a mail server nobody would be told, and everything would count as sent.
required("EMAIL_URL")
vars().update(env.email("EMAIL_URL", default="consolemail://"))
# The default is to wait for ever. Too short would send again what a slow server has taken.
EMAIL_TIMEOUT = 60
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Tokenwacht <tokenwacht@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Networks and probing ----------------------------------------------------------------------

# Networks of this installation alone: dotted paths of classes, and descriptions in TOML.
ADDITIONAL_NETWORKS = env.list("ADDITIONAL_NETWORKS", default=[])
NETWORKS = env.str("NETWORKS", default="", multiline=True)
registry.add(ADDITIONAL_NETWORKS, NETWORKS)
# {slug: (client id, client secret)} from <SLUG>_CLIENT_ID and <SLUG>_CLIENT_SECRET.
OAUTH_CLIENTS = environment.from_environment(
    env, environment.registered(registry.NETWORKS.values())
)
# The same from BASE_URL and <SLUG>_PRIVATE_KEY, where a network knows us by our address.
OAUTH_CLIENTS |= environment.by_metadata(env, registry.NETWORKS.values(), BASE_URL)
# LinkedIn retires a version of its API a year after the month that names it.
LINKEDIN_VERSION = env.str("LINKEDIN_VERSION", default="202608")
# {real host: base address}, to speak with practice networks instead of the real ones.
NETWORK_HOSTS = env.json("NETWORK_HOSTS", default={})
# Seconds between two probes of a token, in the mean over all: the budget of calls.
PROBE_INTERVAL = env.float("PROBE_INTERVAL", default=4 * 3600.0)
# Seconds that no token waits beyond, however unlikely its death is (docs/schedule.md).
LONGEST_INTERVAL = env.float("LONGEST_INTERVAL", default=24 * 3600.0)
# Seconds between two looks for what is due.
PROBE_TICK = env.float("PROBE_TICK", default=60.0)
# Seconds until an ambiguous death is asked about again; None leaves it to each network.
CONFIRM_AFTER = env.float("CONFIRM_AFTER", default=None)
# Calls a second for an app, where its network publishes no budget for apps.
CALLS_PER_SECOND = env.float("CALLS_PER_SECOND", default=50.0)
# Seconds between two listings of what a login can reach, which shows lost roles and new names.
LISTING_INTERVAL = env.float("LISTING_INTERVAL", default=24 * 3600.0)

# The bearer token by which a Prometheus server reads /metrics; nobody does where it is empty.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- Celery (config/celery.py) -----------------------------------------------------------------

# The task that is sent when probes have changed something; the beat sweeps what is left.
AFTER_CHANGES = "notifications.tasks.plan_and_send"
CELERY_BROKER_URL = environment.broker_url(REDIS_URL)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Nobody reads results: what happened stands in the database.
CELERY_TASK_IGNORE_RESULT = True
# A task counts as done when it is done: a worker that dies leaves its task to another one.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# One task at a time: a batch that waits behind a slow one could be had by another worker.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# The default hour would leave a dead worker's tasks lying; no task of ours takes five minutes.
# A broker that takes what is said and never answers holds up a lane for so many seconds, and not
# for ever.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 5.0,
    "socket_connect_timeout": 5.0,
}
CELERY_TASK_SOFT_TIME_LIMIT = 300
CELERY_TASK_TIME_LIMIT = 330
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
# In memory: where each entry stands is lost with the process, and made anew by the next tick.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"

# --- Logging: one line for each record, to standard error ----------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "config.logs.OneLine",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "filters": {
        "no_health_check": {
            "()": "django.utils.log.CallbackFilter",
            "callback": logs.no_health_check,
        }
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["no_health_check"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
    # Django's own handlers would write the same record a second time, and mail tracebacks.
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
    },
}
