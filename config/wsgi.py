"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Whoever looks at a page gives up sooner than that, and its thread is needed.
os.environ.setdefault("KITH_STATEMENT_SECONDS", "30")
application = get_wsgi_application()
