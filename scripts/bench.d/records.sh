# What a person waits for, with more and more sessions on record.

part_records() {
    local n
    printf '| on record | new worktree | submit | %s jobs | 20 tasks | ls --all | as JSON | show |\n' 100
    printf '|---|---|---|---|---|---|---|---|\n'
    for n in "${history[@]}"; do
        record_sessions "$n"
        each_round record_round "$n"
        record_row "$n"
    done
    local took
    took=$(median "ls$n")
    figure ls_ms "ls --all of $n sessions, milliseconds" "$(seconds "$took")" "" \
        "$(awk "BEGIN { printf \"%.1f\", 1000 * $took }")" '<=' 50
}

# record_sessions N: brings the records up to N sessions. One in ten has really run; the others
# were submitted without a runner and cancelled.
record_sessions() {
    local repo="$scratch/records" have=0 missing
    new_plan 20 >"$scratch/few.toml"
    if [ -d "$repo" ]; then have=$(recorded); else new_repository "$repo" "$small_files"; fi
    missing=$(($1 - have))
    [ "$missing" -gt 0 ] || return 0
    new_plan $(((missing + 9) / 10)) >"$scratch/plan.toml"
    ty "$repo" run --quiet "$scratch/plan.toml" >"$scratch/out"
    new_plan $((missing - (missing + 9) / 10)) >"$scratch/plan.toml"
    ty "$repo" submit --quiet "$scratch/plan.toml" >"$scratch/out"
    ty "$repo" cancel --quiet --all >"$scratch/out"
    [ "$(recorded)" -eq "$1" ] || fail "$(recorded) sessions are on record, not $1"
}

recorded() { ty "$scratch/records" ls --all --json | grep -o '"session_id"' | wc -l; }

record_round() {
    local n=$1 repo="$scratch/records" name="r$1-$round"
    settle
    sample "jobs$n" ty "$repo" run --quiet --repeat 100 --set worktrees.pool=0 --name "$name" -- true
    moments "$repo" "$name"
    keep "new$n" $(((ready - slot) * 1000))
    sample "tasks$n" ty "$repo" run --quiet "$scratch/few.toml"
    sample "submit$n" ty "$repo" submit --quiet --name "$name-s" -- true
    ty "$repo" cancel --quiet "$name-s" >"$scratch/out"
    sample "ls$n" ty "$repo" ls --all
    sample "json$n" ty "$repo" ls --all --json
    sample "show$n" ty "$repo" show "$name"
}

record_row() {
    local name
    printf '| %s |' "$1"
    for name in new submit jobs tasks ls json show; do
        printf ' %s |' "$(seconds "$(median "$name$1")")"
    done
    printf '\n'
}
