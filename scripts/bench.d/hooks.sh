# What hooks cost a commit of one changed file: those of a session's worktree, and those of a main checkout
# while a session holds other files, against the same commit in the same place without hooks, and against
# the framework `pre-commit` with one hook that does nothing.

part_hooks() {
    local with_framework=no
    new_repository "$scratch/checkout" "$files"
    if has pre-commit; then
        git clone --quiet --no-local "$scratch/checkout" "$scratch/framework"
        install_framework "$scratch/framework"
        with_framework=yes
    fi
    hold_files "$scratch/checkout"
    empty_hooks "$scratch/empty"
    # A commit takes moments, so there are more rounds of it.
    rounds=$((rounds * 6))
    each_round commit_round
    hooks_figure session "a session's worktree"
    hooks_figure checkout "a checkout with hooks installed"
    figure hooks_empty "hooks that do nothing: the least that starting them costs, milliseconds more" \
        "$(seconds "$(median commit_empty)")" "without hooks $(seconds "$(median commit_bare_session)")" \
        "$(milliseconds "$(over empty session)")"
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

# empty_hooks FOLDER: under the names that a session's hooks have.
empty_hooks() {
    mkdir "$1"
    local name
    for name in prepare-commit-msg commit-msg reference-transaction; do
        printf '#!/bin/sh\nexit 0\n' >"$1/$name"
        chmod +x "$1/$name"
    done
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
    both_ways session "$worktree" src/part1
    timed_commit empty "$worktree" src/part1 -c core.hooksPath="$scratch/empty"
    both_ways checkout "$scratch/checkout" src/part0/group1
    if [ "$with_framework" = yes ]; then
        both_ways framework "$scratch/framework" src/part0/group1
    fi
}

# both_ways NAME WORKTREE FOLDER: without hooks, and with those that are there.
both_ways() {
    timed_commit "bare_$1" "$2" "$3" -c core.hooksPath=/dev/null
    timed_commit "$@"
}

# timed_commit NAME WORKTREE FOLDER [OPTION...]
timed_commit() {
    local name=$1 place=$2 folder=$3
    shift 3
    printf 'round %d %d\n' "$round" "$RANDOM" >"$place/$folder/changed.txt"
    git -C "$place" add "$folder/changed.txt"
    sample "commit_$name" git -C "$place" "$@" commit --quiet -m "round $round"
}

# over NAME [BARE]: how much longer than without hooks, in seconds.
over() { awk "BEGIN { printf \"%.6f\", $(median "commit_$1") - $(median "commit_bare_${2:-$1}") }"; }

hooks_figure() {
    figure "hooks_$1" "a commit in $2, $files files, milliseconds over one without hooks" \
        "$(seconds "$(median "commit_$1")")" "without hooks $(seconds "$(median "commit_bare_$1")")" \
        "$(milliseconds "$(over "$1")")" '<=' 15
}

framework_figure() {
    figure "framework_vs_$1" "what pre-commit adds to a commit, against hooks in $2" \
        "$(seconds "$(over "$1")")" "pre-commit $(seconds "$(over framework)")" \
        "$(quotient "$(over framework)" "$(over "$1")" 1)" '>=' 10
}
