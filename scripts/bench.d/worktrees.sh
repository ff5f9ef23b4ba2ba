# A worktree new, new with its first `git status`, pooled, and removed.
#
# Git is measured around its commands. Treeyard is measured by the times in its event log, from
# the slot that a session gets to the worktree that is ready for its command, durable records
# included; its removal includes looking for work to save and importing what was committed.
#
# Nothing is removed before everything is made: ext4 avoids inodes that were freed in the last
# seconds, and looking for others makes whoever comes next slow.

part_worktrees() {
    new_repository "$scratch/repo" "$files"
    each_round worktree_round
    each_round removal_round
    local git_add git_status git_remove own
    git_add=$(median git_add) git_remove=$(median git_remove)
    git_status=$(awk "BEGIN { print $git_add + $(median git_status) }")
    own=$(median new)
    figure worktree_new "new worktree, $files files" "$(seconds "$own")" \
        "git worktree add $(seconds "$git_add")" "$(quotient "$own" "$git_add")" '<=' 0.45
    own=$(median new_status)
    figure worktree_new_status "new worktree and its first git status" "$(seconds "$own")" \
        "the same with git $(seconds "$git_status")" "$(quotient "$own" "$git_status")" '<=' 0.4
    own=$(median pooled)
    figure worktree_pooled "pooled worktree, $files files" "$(seconds "$own")" \
        "git worktree add $(seconds "$git_add")" "$(quotient "$own" "$git_add")" '<=' 0.08
    own=$(median removed)
    figure worktree_removed "removal" "$(seconds "$own")" \
        "git worktree remove $(seconds "$git_remove")" "$(quotient "$own" "$git_remove")" '<=' 1.0
}

# in_root NAME OPTION...: a session with a place and a pool of its own for each round.
in_root() {
    local name=$1$round
    shift
    ty "$scratch/repo" run --quiet --name "$name" --set worktrees.root="$scratch/root$round" "$@" \
        >"$scratch/out"
    moments "$scratch/repo" "$name"
    [ -n "$released" ] || fail "the worktree of $name was not given back"
}

worktree_round() {
    local repo="$scratch/repo" linked="$scratch/linked$round"
    settle
    sample git_add git -C "$repo" worktree add --quiet --detach "$linked"
    sample git_status git -C "$linked" status --porcelain
    settle
    in_root new -- git status --porcelain
    keep new $(((ready - slot) * 1000))
    keep new_status $(((ended - slot) * 1000))
    settle
    in_root pooled -- true
    keep pooled $(((ready - slot) * 1000))
}

removal_round() {
    settle
    sample git_remove git -C "$scratch/repo" worktree remove "$scratch/linked$round"
    settle
    in_root removed --set worktrees.pool=0 -- true
    keep removed $(((released - ended) * 1000))
}
