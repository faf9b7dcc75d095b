# shellcheck shell=bash
# What the scripts share: where the project is, and its virtual environments.
#
#   source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
#   ensure_env core                     # sets the environment up when it is missing or out of date
#   exec "$(env_python core)" ...
#
# An environment lives in .dev/<name> and carries a stamp of what it was made from. Comparing the stamp is all
# that happens in the ordinary case, so a script may call ensure_env every time it starts.

# Raise this number when the way scripts/setup makes an environment changes.
SETUP_RECIPE=1

# A second start of Home Assistant without the bytecode of the first would take as long.
unset PYTHONDONTWRITEBYTECODE

project_root() {
  local here
  here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
  dirname -- "$here"
}

DSMR_P1_ROOT=$(project_root)
DSMR_P1_ENVS="$DSMR_P1_ROOT/.dev"
DSMR_P1_CACHE="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dsmr_p1"

# The requirement files of an environment, outermost first.
env_requirements() {
  local requirements="$DSMR_P1_ROOT/scripts/requirements"
  case $1 in
    core) printf '%s\n' "$requirements/core.txt" ;;
    history) printf '%s\n' "$requirements/history.txt" ;;
    test) printf '%s\n' "$DSMR_P1_ROOT/requirements_test.txt" ;;
    demo) printf '%s\n' "$requirements/demo.txt" "$requirements/demo_compiled.txt" ;;
    fuzz) printf '%s\n' "$requirements/fuzz.txt" "$requirements/core.txt" ;;
    bench) printf '%s\n' "$requirements/bench.txt" "$requirements/core.txt" ;;
    *)
      echo "There is no environment called '$1'." >&2
      return 2
      ;;
  esac
}

# What the stamp of an environment must say: how and where it was made, and of what.
env_making() {
  printf 'recipe %s, %s\n' "$SETUP_RECIPE" "$DSMR_P1_ENVS/$1"
}

env_stamp() {
  local files
  mapfile -t files < <(env_requirements "$1")
  env_making "$1"
  cat -- "${files[@]}" | sha256sum
}

env_is_fresh() {
  local env="$DSMR_P1_ENVS/$1"
  [[ -x $env/bin/python && -f $env/.stamp ]] && [[ $(<"$env/.stamp") == "$(env_stamp "$1")" ]]
}

ensure_env() {
  env_is_fresh "$1" || "$DSMR_P1_ROOT/scripts/setup" "$1" >&2
}

# The path of the Python interpreter, or of another program (second argument), of an environment.
env_python() {
  printf '%s\n' "$DSMR_P1_ENVS/$1/bin/${2:-python}"
}
