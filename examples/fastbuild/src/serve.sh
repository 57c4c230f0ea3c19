# The program. It reads its page once, so that it has to be started again when that is another.
set -eu
mkdir -p /srv
cp /app/page.html /srv/index.html
exec httpd -f -p 8000 -h /srv
