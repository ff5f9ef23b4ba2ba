# What hooks cost a commit of one changed file: those of a session's worktree, and those of a main checkout
# while a session holds other files, against no hooks and against the framework `pre-commit` with
# one hook that does nothing.

part_hooks() {
    local with_framework=no
    new_repository "$scratch/checkout" "$files"
    git clone --quiet --no-local "$scratch/checkout" "$scratch/bare"
    if has pre-commit; then
        git clone --quiet --no-local "$scratch/checkout" "$scratch/framework"
        install_framework "$scratch/framework"
        with_framework=yes
    fi
    hold_files "$scratch/checkout"
    # A commit takes moments, so there are more rounds of it.
    rounds=$((rounds * 6))
    each_round commit_round
    local bare
    bare=$(median commit_bare)
    hooks_figure session "a session's worktree"
    hooks_figure checkout "a checkout with hooks installed"
    if [ "$with_framework" = no ]; then fail "pre-commit is not installed (--peers installs it)"; fi
    framework_figure session "a session's worktree"
    framework_figure checkout "a checkout with hooks installed"
}

# hold_files REPOSITORY: two sessions that wait to be landed, one of which the commits are made in, in
# $worktree.
hold_files() {
    ty "$1" run --quiet --name held --scope 'src/part0/group0/**' -- \
        sh -c 'echo held > src/part0/group0/held.txt' >"$scratch/out"
    ty "$1" run --quiet --name session --scope 'src/part1/**' -- \
        sh -c 'echo first > src/part1/first.txt' >"$scratch/out"
    worktree=$(ty "$1" show session --json | grep -oE '"worktree":"[^"]*"' | cut -d'"' -f4)
    [ -d "$worktree" ] || fail "the worktree of the session is not there"
    ty "$1" hooks install --quiet >"$scratch/out"
}

install_framework() {
    cat >"$1/.pre-commit-config.yaml" <<'YAML'
repos:
  - repo: local
    hooks:
      - {id: nothing, name: nothing, entry: "true", language: system, pass_filenames: false}
YAML
    git -C "$1" add .pre-commit-config.yaml
    git -C "$1" commit --quiet -m "framework"
    (cd "$1" && pre-commit install) >"$scratch/out"
}

commit_round() {
    timed_commit bare "$scratch/bare" src/part0/group1
    timed_commit session "$worktree" src/part1
    timed_commit checkout "$scratch/checkout" src/part0/group1
    if [ "$with_framework" = yes ]; then
        timed_commit framework "$scratch/framework" src/part0/group1
    fi
}

# timed_commit NAME WORKTREE FOLDER
timed_commit() {
    printf 'round %d %d\n' "$round" "$RANDOM" >"$2/$3/changed.txt"
    git -C "$2" add "$3/changed.txt"
    sample "commit_$1" git -C "$2" commit --quiet -m "round $round"
}

# over NAME: how much longer than without hooks, in seconds.
over() { awk "BEGIN { printf \"%.6f\", $(median "commit_$1") - $bare }"; }

hooks_figure() {
    figure "hooks_$1" "a commit in $2, $files files, milliseconds over one without hooks" \
        "$(seconds "$(median "commit_$1")")" "without hooks $(seconds "$bare")" \
        "$(awk "BEGIN { printf \"%.1f\", 1000 * $(over "$1") }")" '<=' 15
}

framework_figure() {
    figure "framework_vs_$1" "what pre-commit adds to a commit, against hooks in $2" \
        "$(seconds "$(over "$1")")" "pre-commit $(seconds "$(over framework)")" \
        "$(quotient "$(over framework)" "$(over "$1")" 1)" '>=' 10
}
