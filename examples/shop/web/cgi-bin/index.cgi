#!/bin/sh
# The page: what the other two services answer.
answer text/html
cat <<PAGE
<!doctype html>
<title>Shop</title>
<link rel="stylesheet" href="/style.css">
<h1>Shop</h1>
<h2>Catalog</h2>
<pre>$(wget -qO- http://catalog/cgi-bin/fruit || echo 'the catalog does not answer')</pre>
<h2>Cart</h2>
<pre>$(wget -qO- http://cart/cgi-bin/items || echo 'the cart does not answer')</pre>
PAGE
