# Short jobs through the queue. A session runs one job at a time, so the others get one slot too. They hold
# nothing back, so with xargs it is the queue without the sandbox that is compared; pueue has to beat both.

part_queue() {
    new_repository "$scratch/queue" "$small_files"
    local with_pueue=no
    if has pueue && has pueued; then
        start_pueue
        with_pueue=yes
    fi
    each_round queue_round
    local own held xargs pueue
    own=$(quotient "$jobs" "$(median queue)" 1) xargs=$(quotient "$jobs" "$(median xargs)" 1)
    held=$(quotient "$jobs" "$(median held)" 1)
    figure queue_vs_xargs "$jobs jobs in one session without the sandbox, jobs a second" "$own" \
        "xargs -P 1, $xargs" "$(quotient "$own" "$xargs")" '>=' 0.333
    if [ "$with_pueue" = no ]; then fail "pueue is not installed (--peers installs it)"; fi
    pueue=$(quotient "$pueue_jobs" "$(median pueue)" 1)
    figure queue_vs_pueue "$jobs jobs in one session without the sandbox, jobs a second" "$own" \
        "pueue over $pueue_jobs jobs, $pueue" "$(quotient "$own" "$pueue" 1)" '>=' 25
    figure held_vs_pueue "$jobs jobs in one session, jobs a second" "$held" \
        "pueue over $pueue_jobs jobs, $pueue" "$(quotient "$held" "$pueue" 1)" '>=' 25
}

queue_round() {
    settle
    sample queue ty "$scratch/queue" run --quiet --repeat "$jobs" --name "q$round" --no-sandbox benchmark -- true
    sample held ty "$scratch/queue" run --quiet --repeat "$jobs" --name "h$round" -- true
    sample xargs sh -c "seq $jobs | xargs -P 1 -n 1 true"
    if [ "$with_pueue" = yes ]; then drain_pueue; fi
}

start_pueue() {
    pueued >"$scratch/pueued.log" 2>&1 &
    daemon=$!
    # shellcheck disable=SC2064
    trap "kill $daemon" EXIT
    local deadline=$((SECONDS + 10))
    until pueue status >"$scratch/out" 2>&1; do
        ((SECONDS < deadline)) || fail "pueued did not start: $(tail -n 1 "$scratch/pueued.log")"
    done
    pueue parallel 1 >"$scratch/out"
}

# Filled while paused, and timed by its own record from the first start to the last end: neither
# adding the jobs nor waiting for them counts, which is to its advantage.
drain_pueue() {
    local i times
    pueue clean >"$scratch/out"
    pueue pause >"$scratch/out"
    for ((i = 0; i < pueue_jobs; i++)); do pueue add -- true >"$scratch/out"; done
    pueue start >"$scratch/out"
    pueue wait --quiet
    times=$(pueue status --json | grep -oE '"(start|end)":"[0-9][^"]*"' | cut -d'"' -f4 | sort)
    keep pueue $((($(date -d "$(tail -n 1 <<<"$times")" +%s%N) - \
        $(date -d "$(head -n 1 <<<"$times")" +%s%N)) / 1000))
}
