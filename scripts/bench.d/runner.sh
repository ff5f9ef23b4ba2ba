# The runner in the background: its memory after work with many sessions on record, and what it
# costs when there is nothing to do.

part_runner() {
    local repo="$scratch/records" most=${history[-1]} pid
    record_sessions "$most"
    pid=$(ty "$repo" up --json | grep -oE '"pid":[0-9]+' | cut -d: -f2)
    [ -d "/proc/$pid" ] || fail "the runner did not stay"
    # shellcheck disable=SC2064
    trap "ty '$repo' down --quiet >/dev/null 2>&1 || true" EXIT
    # A runner is active, so it is the one that runs the plan.
    ty "$repo" run --quiet "$scratch/few.toml" >"$scratch/out"
    figure runner_mib "peak memory of the runner, $most sessions on record, MiB" \
        "$(memory VmRSS) MiB at rest" "" "$(memory VmHWM)" '<=' 64
    # Its helper threads end when they had nothing to do for ten seconds.
    sleep "$((idle < 11 ? idle : 11))"
    local before
    before=$(ticks)
    sleep "$idle"
    figure idle_ticks "processor time of an idle runner in $idle s" \
        "in ticks, $(getconf CLK_TCK) a second" "" $(($(ticks) - before)) '<=' 0
}

memory() { awk -v what="$1:" '$1 == what { printf "%.1f", $2 / 1024 }' "/proc/$pid/status"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
