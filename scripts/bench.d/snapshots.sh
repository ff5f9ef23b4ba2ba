# A checkpoint of a session's worktree, from the call to the ref on the disk, against the same by git commands on
# the same worktree, in turns, by a benchmark of the library: starting a program would hide a part of it.

part_snapshots() {
    has cargo || fail "cargo is not installed"
    (cd "$here/.." && cargo bench --locked --quiet --bench snapshots -- "$files" "$((rounds * 3))") \
        >"$scratch/snapshots" 2>"$scratch/err" || fail "cargo bench: $(tail -n 1 "$scratch/err")"
    local own git
    read -r own git < <(sed -n 's/^snapshots: treeyard \([0-9.]*\) ms, git \([0-9.]*\) ms$/\1 \2/p' "$scratch/snapshots")
    [ -n "${git:-}" ] || fail "cargo bench says nothing of snapshots"
    figure snapshot_ms "a checkpoint of $files files, 20 of them changed, milliseconds" "$own ms" "git $git ms" \
        "$own" '<=' 50
    figure snapshot_vs_git "the same against git commands" "$own ms" "git $git ms" \
        "$(quotient "$own" "$git")" '<=' 0.5
    tail -n 1 "$scratch/snapshots"
}
