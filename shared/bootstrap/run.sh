#!/usr/bin/env bash
# Runs an action: run.sh aml-run
#
# Finds or makes the Python environment of requirements/actions.txt and becomes the action: the runner signals only the process
# of the step, so the last line is `exec`. Nothing is written to the caller's PATH, environment or workspace.
#
# AML_ACTIONS_HOME  where environments are kept (default: the runner's tool cache, else the user's cache folder)
# AML_ACTIONS_UV    an installed uv, for machines without a package index for pip
set -euo pipefail

# Without this, bash forgets a SIGINT that comes while the environment is looked for, since that program does not die of it; the step
# would go on, and submit its job, until the runner sends SIGTERM.
trap 'echo "The step was cancelled before it began."; exit 130' INT

here=$(CDPATH='' cd -- "${BASH_SOURCE[0]%/*}" && pwd) # logical: in the repository, actions/shared is a link
real=$(CDPATH='' cd -- "$here" && pwd -P)

fail() { # what, fix
  if [ -n "${TF_BUILD:-}" ]; then
    printf '##vso[task.logissue type=error]aml-actions: %s%%0AFix: %s\n' "$1" "$2"
  else
    printf '::error title=aml-actions::%s%%0AFix: %s\n' "$1" "$2"
  fi
  exit 1
}

if [ -n "${AML_ACTIONS_HOME:-}" ]; then
  home=$AML_ACTIONS_HOME
elif [ -n "${RUNNER_TOOL_CACHE:-}" ]; then
  home=$RUNNER_TOOL_CACHE/aml-actions
elif [ -n "${XDG_CACHE_HOME:-}" ] || [ -n "${HOME:-}" ]; then
  home=${XDG_CACHE_HOME:-$HOME/.cache}/aml-actions
else
  fail "There is no folder for the Python environment: neither RUNNER_TOOL_CACHE nor HOME is set." "Set AML_ACTIONS_HOME."
fi

# What the job's own Python left behind is not for this one, nor for its children.
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

python=
for candidate in python3 python3.13 python3.12 python3.11 python3.10 python; do
  command -v "$candidate" > /dev/null || continue
  status=0
  python=$("$candidate" -I -S "$here/environment.py" --lock "$real/../../requirements/actions.txt" --home "$home") || status=$?
  case $status in
    0) break ;;
    2 | 64 | 126 | 127) python= ;; # Python 2, too old, a stub that starts nothing: try the next
    *) exit "$status" ;;
  esac
done
if [ -z "$python" ]; then
  fail "No Python 3.10 or newer was found on PATH." "Put actions/setup-python before this step, or install Python."
fi

# -B: this folder may lie in the user's repository, which gets no __pycache__ from us.
exec "$python" -I -B -X utf8 -u "$here/launch.py" "$1"
