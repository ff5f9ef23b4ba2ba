# Tasks that change a file: landed, against the same by git commands one after another; and kept,
# with more and more of them waiting to be landed.

part_work() {
    new_repository "$scratch/work" "$small_files"
    each_round work_round
    figure work_landed "$works tasks that change a file, in worktrees of $small_files files, landed" \
        "$(seconds "$(median landed)")" "git commands one after another $(seconds "$(median by_git)")" \
        "$(quotient "$(median landed)" "$(median by_git)")"
    new_repository "$scratch/kept" "$small_files"
    printf '| waiting to be landed | %s tasks more, each in a new worktree |\n|---|---|\n' "$works"
    local have
    for ((have = 0; have < kept; have += works)); do
        works_from "$have" >"$scratch/plan.toml"
        round=1 sample "kept$have" ty "$scratch/kept" run --quiet "$scratch/plan.toml"
        printf '| %s | %s |\n' "$have" "$(seconds "$(median "kept$have")")"
    done
}

# works_from N: a plan of $works tasks, each of which writes a file of its own.
works_from() {
    local i
    for ((i = $1; i < $1 + works; i++)); do
        printf '[[task]]\nname = "w%d"\nscope = ["./new%d"]\nrun = "echo %d > new%d"\n' "$i" "$i" "$i" "$i"
    done
}

work_round() {
    works_from $((round * works)) >"$scratch/plan.toml"
    settle
    sample landed ty "$scratch/work" run --quiet --auto-land "$scratch/plan.toml"
    settle
    sample by_git works_by_git "$scratch/work" "$scratch/by-git"
}

works_by_git() {
    local i
    for ((i = 0; i < works; i++)); do
        git -C "$1" worktree add --quiet -b "g$round-$i" "$2"
        echo "$i" >"$2/git$round-$i"
        git -C "$2" add -A
        git -C "$2" commit --quiet -m "work $i"
        git -C "$1" merge --quiet --no-ff -m "land $i" "g$round-$i"
        git -C "$1" worktree remove "$2"
        git -C "$1" branch --quiet -D "g$round-$i"
    done
}
