# One request for files against many holders of 20 patterns each, by the benchmarks of the library
# itself: asking is a matter of microseconds, which starting a program would hide.

part_admission() {
    has cargo || fail "cargo is not installed"
    (cd "$here/.." && cargo bench --locked --quiet --bench hot -- scope_admission) \
        >"$scratch/divan" 2>"$scratch/err" || fail "cargo bench: $(tail -n 1 "$scratch/err")"
    admission_figures scope_admission "holders that the runner knows" '<=' 20
    admission_figures scope_admission_from_patterns "holders read anew" '<=' 20
    # No literal part tells these from each other, so it is the worst that can be asked.
    admission_figures scope_admission_all_compared "holders that all look alike"
}

# admission_figures BENCHMARK WHAT [RULE LIMIT]
admission_figures() {
    local bench=$1 what=$2 few most at
    at=$(admission "$bench" 1000)
    [ -n "$at" ] || fail "cargo bench says nothing of $bench"
    figure "${bench}_ms" "a request against 1,000 $what, milliseconds" "$(milliseconds "$at") ms" "" \
        "$(milliseconds "$at")" "${@:3}"
    few=$(admission "$bench" 100) most=$(admission "$bench" 10000)
    [ -n "$most" ] || return 0
    figure "${bench}_growth" "the same from 100 to 10,000, as a power of their number" \
        "$(milliseconds "$few") to $(milliseconds "$most") ms" "" \
        "$(awk "BEGIN { printf \"%.2f\", log($most / $few) / log(100) }")" '<=' 1.15
}

# admission BENCHMARK HOLDERS: the median in seconds, out of a table whose lines look like
# `│  ├─ 1000   69.47 µs  │ 4.217 ms  │ 70.61 µs  │ …`.
admission() {
    awk -v bench="$1" -v holders="$2" '
        { gsub(/(├|╰)─/, "@") }
        /^@/ { split($0, name, " "); inside = name[2] == bench; next }
        inside {
            sub(/^(│| )*/, "")
            split($0, column, "│")
            split(column[1], first, " ")
            if (first[1] != "@" || first[2] != holders) next
            split(column[3], median, " ")
            unit["ns"] = 1e-9; unit["µs"] = 1e-6; unit["ms"] = 1e-3; unit["s"] = 1
            printf "%.9f", median[1] * unit[median[2]]
            exit
        }' "$scratch/divan"
}
