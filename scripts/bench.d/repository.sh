# The repositories that are measured in, and what treeyard's event log says of them.

# new_repository PATH FILES: files of 4 KB in folders of 100, an hour old, packed as in a clone. They
# are pieces of one random text, so that packing does not shrink them to nothing.
new_repository() {
    local path=$1 count=$2 i dir text
    git init --quiet "$path"
    text=$(head -c 200000 /dev/urandom | base64 -w 76)
    for ((i = 0; i < count; i++)); do
        if ((i % 100 == 0)); then
            dir="$path/src/part$((i / 1000))/group$((i / 100))"
            mkdir -p "$dir"
        fi
        printf 'file %d\n%s\n' "$i" "${text:RANDOM * 8:4000}" >"$dir/file$i.txt"
    done
    find "$path/src" -type f -exec touch -d '1 hour ago' {} +
    git -C "$path" add .
    git -C "$path" commit --quiet -m start
    git -C "$path" repack -adq
}

# new_plan COUNT: a plan of so many tasks that run `true`.
new_plan() {
    local i
    for ((i = 0; i < $1; i++)); do printf '[[task]]\nname = "t%d"\nscope = ["t%d/**"]\nrun = ["true"]\n' "$i" "$i"; done
}

# ty REPOSITORY ARGUMENT...
ty() { "$treeyard" -C "$@"; }

# moments REPOSITORY SESSION: when it got a slot, when its worktree was ready, when its command had
# ended and when its worktree was given back, in milliseconds, as $slot $ready $ended $released.
moments() {
    local at type
    slot='' ready='' ended='' released=''
    while read -r at type; do
        case $type in
            FR-EVT-SESS-002) slot=${slot:-$at} ;;
            FR-EVT-WORKSPACE-001) ready=$at ;;
            FR-EVT-001) ended=$at ;;
            FR-EVT-WORKSPACE-004) released=$at ;;
        esac
    done < <(ty "$1" events --json --session "$2" |
        grep -oE '"at_ms":[0-9]+|"event_type":"[A-Z0-9-]+"' | sed 's/.*://; s/"//g' | paste -d' ' - -)
    [ -n "$slot" ] && [ -n "$ready" ] && [ -n "$ended" ] || fail "the events of $2 are not those of a run"
}
