# What a runner does before it takes new work, after the machine fell under many sessions with long threads, by a
# benchmark of the library, which writes their log.

part_recovery() {
    has cargo || fail "cargo is not installed"
    (cd "$here/.." && TREEYARD_PROGRAM=$treeyard cargo bench --locked --quiet --bench recovery -- "$left_sessions" "$left_messages" "$rounds") \
        >"$scratch/recovery" 2>"$scratch/err" || fail "cargo bench: $(tail -n 1 "$scratch/err")"
    local plan recover
    read -r plan recover < <(sed -n 's/^recovery: plan \([0-9]*\) ms, recover \([0-9]*\) ms$/\1 \2/p' "$scratch/recovery")
    [ -n "${recover:-}" ] || fail "cargo bench says nothing of recovery"
    head -n 1 "$scratch/recovery"
    figure recovery_plan_ms "recover --plan, $left_sessions sessions with $left_messages messages each, milliseconds" \
        "$plan ms" "" "$plan"
    figure recovery_ms "the same recovered, from start to end of the program" "$recover ms" "" "$recover" '<=' 3000
}
