# A worktree new, new with its first `git status`, pooled, and removed.
#
# Git is measured around its commands. Treeyard is measured by the times in its event log, from
# the slot that a session gets to the worktree that is ready for its command, durable records
# included; its removal includes looking for work to save and importing what was committed.

part_worktrees() {
    new_repository "$scratch/repo" "$files"
    git clone --quiet "$scratch/repo" "$scratch/repo-pool"
    each_round worktree_round
    local git_add git_status git_remove own
    git_add=$(median git_add) git_remove=$(median git_remove)
    git_status=$(awk "BEGIN { print $git_add + $(median git_status) }")
    own=$(median new)
    compare worktree_new "new worktree, $files files" "$(seconds "$own")" \
        "git worktree add $(seconds "$git_add")" "$(quotient "$own" "$git_add")" '<=' 0.45
    own=$(median new_status)
    compare worktree_new_status "new worktree and its first git status" "$(seconds "$own")" \
        "the same with git $(seconds "$git_status")" "$(quotient "$own" "$git_status")" '<=' 0.4
    own=$(median pooled)
    compare worktree_pooled "pooled worktree, $files files" "$(seconds "$own")" \
        "git worktree add $(seconds "$git_add")" "$(quotient "$own" "$git_add")" '<=' 0.08
    own=$(median removed)
    compare worktree_removed "removal" "$(seconds "$own")" \
        "git worktree remove $(seconds "$git_remove")" "$(quotient "$own" "$git_remove")" '<=' 1.0
}

worktree_round() {
    local repo="$scratch/repo" pool="$scratch/repo-pool" linked="$scratch/linked"
    settle
    sample git_add git -C "$repo" worktree add --quiet --detach "$linked"
    sample git_status git -C "$linked" status --porcelain
    sample git_remove git -C "$repo" worktree remove "$linked"
    settle
    ty "$repo" run --quiet --set worktrees.pool=0 --name "new$round" -- \
        git status --porcelain >"$scratch/out"
    moments "$repo" "new$round"
    keep new $(((ready - slot) * 1000))
    keep new_status $(((ended - slot) * 1000))
    [ -n "$released" ] || fail "the worktree of new$round was not given back"
    keep removed $(((released - ended) * 1000))
    settle
    # The round that warms up fills the pool.
    ty "$pool" run --quiet --name "pooled$round" -- true >"$scratch/out"
    moments "$pool" "pooled$round"
    keep pooled $(((ready - slot) * 1000))
}
