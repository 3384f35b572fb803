# fail-each.sh CASES CODE TOOL...: runs the tool with each line of the file CASES that is no CHECK line, and prints the line and what the tool says of it.
# Every run must exit with CODE and print nothing on standard output.
cases=$1 code=$2
shift 2
status=0
while read -r line; do
  case $line in CHECK* | "") continue ;; esac
  echo "CASE $line"
  "$@" $line >output.tmp 2>error.tmp
  got=$?
  cat error.tmp
  if [ $got -ne "$code" ] || [ -s output.tmp ]; then
    echo "WRONG: exit code $got, $(wc -c <output.tmp) bytes of output"
    status=1
  fi
done <"$cases"
exit $status
