# Every script must be one that a shell can read.
for script in base/answer */cgi-bin/*; do
    sh -n "$script" && echo "$script: good" || exit 1
done
