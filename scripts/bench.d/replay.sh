# A model's run once more, against its record: what a step costs, its tool and what is compared included.

part_replay() {
    new_repository "$scratch/replay" "$small_files"
    local few=10 many=$((10 + steps))
    settings "$(writing few "$few"; writing many "$many"; printf '[agent]\nmax_steps = 10000')"
    local kind
    for kind in few many; do
        ty "$scratch/replay" run --quiet --name "$kind" --scope "$kind/**" --model "$kind" --prompt 'Write it' >"$scratch/out"
    done
    each_round replay_round
    each_figure replay "a step of a run that is replayed: a file is changed, and what was sent and the files are compared, milliseconds" \
        "$steps" steps "$few" 1
}

replay_round() {
    local kind
    for kind in few many; do
        sample "${kind}_steps" ty "$scratch/replay" replay --quiet "$kind"
    done
}

# writing NAME STEPS: a model that writes a file and then changes it so often, and says that it is done.
writing() {
    local at
    {
        printf '{ call = "file.write", arguments = { path = "%s/file", content = "line 0" } }\n' "$1"
        for ((at = 1; at < $2; at++)); do
            printf '{ call = "file.edit", arguments = { path = "%s/file", old = "line %s", new = "line %s" } }\n' "$1" "$((at - 1))" "$at"
        done
    } | calling "$1"
}
