# Samples, medians, figures. Times are whole microseconds, which the shell can subtract.

# Sets $now.
clock() { now=${EPOCHREALTIME/[.,]/}; }

# Runs the named function once to warm up and then $rounds times; $round tells which.
each_round() {
    for ((round = 0; round <= rounds; round++)); do "$@"; done
}

# keep NAME MICROSECONDS: one sample, but for the round that warms up.
keep() { [ "$round" -eq 0 ] || printf '%s\n' "$2" >>"$scratch/samples/$1"; }

# sample NAME COMMAND...: how long the command takes. Its output is kept until the next one.
sample() {
    local name=$1 start
    shift
    clock
    start=$now
    "$@" >"$scratch/out" 2>"$scratch/err" || fail "$name: $(tail -n 1 "$scratch/err")"
    clock
    keep "$name" $((now - start))
}

# Writing back what an earlier contender left must not be paid for by the next one.
settle() { sync; }

# median NAME: in seconds.
median() {
    sort -n "$scratch/samples/$1" | awk '{ t[NR] = $1 } END {
        printf "%.6f", (t[int((NR + 1) / 2)] + t[int(NR / 2) + 1]) / 2000000 }'
}

# quotient A B [DIGITS]
quotient() { awk "BEGIN { printf \"%.${3:-3}f\", $1 / $2 }"; }

seconds() { awk "BEGIN { s = $1; if (s < 0.1) printf \"%.1f ms\", s * 1000; else printf \"%.2f s\", s }"; }

# A number of seconds as one of milliseconds.
milliseconds() { awk "BEGIN { printf \"%.2f\", 1000 * $1 }"; }

# figure NAME WHAT OWN OTHER VALUE [RULE LIMIT]: one line of the table. OWN and OTHER say in words what VALUE
# comes from. RULE is `<=` or `>=`; without it the value is only told.
figure() {
    local name=$1 what=$2 own=$3 other=$4 value=$5 rule=${6:-} limit=${7:-} met=''
    if [ -n "$rule" ]; then
        met=$(awk "BEGIN { print ($value $rule $limit) ? \"met\" : \"missed\" }")
    fi
    printf '%s|%s|%s|%s|%s|%s|%s|%s\n' "$name" "$what" "$own" "$other" "$value" "$rule" "$limit" "$met" \
        >>"$scratch/figures"
    printf '%s: %s%s: %s%s\n' "$what" "$own" "${other:+, $other}" "$value" "${met:+, $met}"
}

# each_figure NAME WHAT STEPS WORD FEW LIMIT: what one of so many steps takes, of two samples of which the first has FEW
# and the other STEPS more, so that what both begin with does not count. They are few_WORD and many_WORD.
each_figure() {
    local each few many
    few=$(median "few_$4") many=$(median "many_$4")
    each=$(awk "BEGIN { printf \"%.6f\", ($many - $few) / $3 }")
    figure "$1" "$2" "$(($5 + $3)) $4 in $(seconds "$many")" "$5 in $(seconds "$few")" "$(milliseconds "$each")" '<=' "$6"
}

report() {
    touch "$scratch/figures"
    printf '\n| what | treeyard | the other tool | figure | wanted | |\n|---|---|---|---|---|---|\n'
    awk -F'|' '{ rule = $6 == "<=" ? "at most " $7 : $6 == ">=" ? "at least " $7 : ""
        printf "| %s | %s | %s | %s | %s | %s |\n", $2, $3, $4, $5, rule, $8 }' "$scratch/figures"
    [ -z "$json" ] || figures_json >"$json"
    local missed
    missed=$(awk -F'|' '$8 == "missed" { printf "%s%s=%s", sep, $1, $5; sep = " " }' "$scratch/figures")
    printf '\nbench: %s of %s figures met%s%s\n' \
        "$(grep -c '|met$' "$scratch/figures" || true)" \
        "$(grep -cE '\|(met|missed)$' "$scratch/figures" || true)" \
        "${missed:+; missed: $missed}" "${1:+; not measured: $*}"
}

figures_json() {
    awk -F'|' 'BEGIN { print "{\"schema_version\":1,\"kind\":\"bench\",\"figures\":[" }
        { printf "%s{\"name\":\"%s\",\"what\":\"%s\",\"value\":%s,\"rule\":\"%s\",\"limit\":%s,\"met\":%s}\n",
            sep, $1, $2, $5, $6, $7 == "" ? "null" : $7,
            $8 == "" ? "null" : $8 == "met" ? "true" : "false"; sep = "," }
        END { print "]}" }' "$scratch/figures"
}
