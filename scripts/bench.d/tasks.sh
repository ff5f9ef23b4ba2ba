# Tasks with a pooled worktree each, started by one command from one plan.

part_tasks() {
    new_repository "$scratch/tasks" "$small_files"
    new_plan "$tasks" >"$scratch/plan.toml"
    new_plan 20 >"$scratch/few.toml"
    ty "$scratch/tasks" run --quiet "$scratch/few.toml" >"$scratch/out"
    local round
    # One run takes long enough to even itself out.
    for ((round = 1; round <= (rounds + 1) / 2; round++)); do
        settle
        sample tasks ty "$scratch/tasks" run --quiet "$scratch/plan.toml"
    done
    figure tasks_per_second "$tasks tasks, each with a pooled worktree of $small_files files, a second" \
        "$(seconds "$(median tasks)")" "" "$(quotient "$tasks" "$(median tasks)" 1)" '>=' 40
}
