# What holding sessions back costs: the start of a job, git's commands and a build, each against the same
# without the sandbox. One session of either kind waits for orders, so that they take turns command by command.

readonly unheld=(--no-sandbox benchmark)

part_confinement() {
    start_figure
    new_repository "$scratch/held" "$files"
    new_crate "$scratch/held/crate"
    open_sessions "$scratch/held"
    git_figures
    build_figure
    close_sessions
}

start_figure() {
    new_repository "$scratch/starts" "$small_files"
    each_round start_round
    local more
    more=$(awk "BEGIN { printf \"%.6f\", ($(median start_held) - $(median start_free)) / $starts }")
    figure confinement_start "what the sandbox adds to the start of a job, milliseconds" \
        "$starts jobs in $(seconds "$(median start_held)")" "without $(seconds "$(median start_free)")" \
        "$(milliseconds "$more")" '<=' 10
}

start_round() {
    settle
    sample start_held ty "$scratch/starts" run --quiet --repeat "$starts" --name "held$round" -- true
    sample start_free ty "$scratch/starts" run --quiet --repeat "$starts" --name "free$round" "${unheld[@]}" -- true
}

# open_sessions REPOSITORY: two that carry out what is written into orders and say how long it took.
open_sessions() {
    local turns="$scratch/turns"
    mkdir "$turns"
    mkfifo "$turns"/{held,free}.{orders,answers}
    carry_out_script >"$turns/carry-out"
    mkdir -p "$XDG_CONFIG_HOME/treeyard"
    printf '[sandbox]\nwrite = ["%s"]\n' "$turns" >"$XDG_CONFIG_HOME/treeyard/config.toml"
    {
        new_task held
        new_task free
        printf 'sandbox = { level = "none", reason = "benchmark" }\n'
    } >"$scratch/plan.toml"
    ty "$1" run --quiet --jobs 2 "$scratch/plan.toml" >"$scratch/sessions" 2>&1 &
    # Both to read and to write, so that nobody waits here for a session that never comes.
    exec {held_orders}<>"$turns/held.orders" {held_answers}<>"$turns/held.answers"
    exec {free_orders}<>"$turns/free.orders" {free_answers}<>"$turns/free.answers"
}

# new_task KIND
new_task() {
    local folder
    folder=$(own_folder "$1")
    printf '[[task]]\nname = "%s"\nscope = ["%s/**"]\nrun = ["bash", "%s", "%s", "%s"]\n' \
        "$1" "$folder" "$turns/carry-out" "$turns/$1" "$folder"
}

# own_folder KIND: what a session may commit in. Both exist at once.
own_folder() { if [ "$1" = held ]; then echo src/part0/group0; else echo src/part0/group1; fi; }

# The time is taken inside, around the command alone.
carry_out_script() {
    cat <<'END'
exec <"$1.orders" 3>"$1.answers"
folder=$2
while read -r order; do
    start=${EPOCHREALTIME/[.,]/}
    eval "$order" >said 2>&1
    code=$?
    end=${EPOCHREALTIME/[.,]/}
    echo "$code $((end - start)) $(tail -n 1 said)" >&3
done
END
}

close_sessions() {
    exec {held_orders}>&- {free_orders}>&-
    wait
}

# turn NAME COMMAND: one sample of each kind. Neither of them is always the first.
turn() {
    if ((round % 2)); then order held "$@"; order free "$@"; else order free "$@"; order held "$@"; fi
}

# order KIND NAME COMMAND
order() {
    local orders="$1_orders" answers="$1_answers" code took said
    printf '%s\n' "$3" >&"${!orders}"
    read -r -t 300 code took said <&"${!answers}" || fail "$2, $1: no answer; $(tail -n 1 "$scratch/sessions")"
    [ "$code" -eq 0 ] || fail "$2, $1: $said"
    keep "$2_$1" "$took"
}

git_figures() {
    local rounds=$((rounds * 20))
    each_round git_round
    share commit "a commit in a session, $files files" 3
    share status "git status in a session, $files files"
}

git_round() {
    turn stage "echo $round $RANDOM >\$folder/changed.txt; git add \$folder/changed.txt"
    turn commit "git commit --quiet -m 'round $round'"
    turn status "git status --short -uno"
}

build_figure() {
    if ! has cargo; then
        echo 'a build inside: skipped, there is no cargo'
        return
    fi
    # Builds differ from each other by more than the target.
    local rounds=$((rounds * 4))
    each_round build_round
    share build "cargo build in a session, a crate of $(cat "$scratch/held/crate/src/"*.rs | wc -l) lines" 3
}

build_round() {
    turn clean 'rm -rf crate/target'
    turn build 'cargo build --offline --quiet --manifest-path crate/Cargo.toml'
}

# share NAME WHAT [LIMIT]: how much longer with the sandbox, in percent.
share() {
    local held free percent
    held=$(median "$1_held") free=$(median "$1_free")
    percent=$(awk "BEGIN { printf \"%.1f\", ($held / $free - 1) * 100 }")
    figure "confinement_$1" "$2, percent more with the sandbox" "$(seconds "$held")" \
        "without $(seconds "$free")" "$percent" ${3:+'<=' "$3"}
}

# new_crate FOLDER: modules without dependencies, each of which calls the one before.
new_crate() {
    local i
    mkdir -p "$1/src"
    printf '[package]\nname = "inside"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n' >"$1/Cargo.toml"
    printf 'pub fn f0(x: u64) -> u64 { x }\n' >"$1/src/m0.rs"
    for ((i = 1; i < modules; i++)); do new_module "$i" $((i - 1)) >"$1/src/m$i.rs"; done
    for ((i = 0; i < modules; i++)); do printf 'mod m%d;\n' "$i"; done >"$1/src/main.rs"
    printf 'fn main() { println!("{}", m%d::f0(1)); }\n' $((modules - 1)) >>"$1/src/main.rs"
    printf '/target\n' >"$1/.gitignore"
    git -C "$1" add .
    git -C "$1" commit --quiet -m crate
}

# new_module NUMBER BEFORE
new_module() {
    local i
    printf '#[derive(Debug, Clone, Default, PartialEq)]\npub struct S { a: u64, b: Vec<String> }\n'
    for ((i = 0; i < 8; i++)); do
        cat <<END
pub fn f$i(x: u64) -> u64 {
    let s = S { a: x, b: (0..x % 7).map(|n| n.to_string()).collect() };
    let t = s.clone();
    match t == s {
        true => t.b.iter().map(|b| b.len() as u64).sum::<u64>() + crate::m$2::f0(s.a),
        false => format!("{s:?}").len() as u64,
    }
}
END
    done
}
