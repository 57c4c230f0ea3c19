# Stands for what takes long and seldom changes: `npm install`, `go mod download`.
set -eu
mkdir -p /app/tools
while read -r tool; do
  [ -e "/app/tools/$tool" ] || { echo "installing $tool"; command -v "$tool" > "/app/tools/$tool"; }
done < /src/tools.txt
