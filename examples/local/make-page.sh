# Make site/index.html from words.txt.
set -e
mkdir -p site
{
    echo '<!doctype html><meta charset="utf-8"><title>Words</title><ul>'
    sed 's|.*|<li>&</li>|' words.txt
    echo '</ul>'
} >site/index.html
echo "made a page of $(wc -l <words.txt) words"
