#!/bin/sh
# nvcc-one.sh MAJOR ARGUMENT...: nvcc with machine code for one major version of compute capability alone, where the
# arguments name several. The CUDA packages name nine, whatever TORCH_CUDA_ARCH_LIST says, and take nine times as long.
set -eu
major=$1
shift
case " $* " in *"code=sm_${major}"[0-9]*) ;; *) exec "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" "$@" ;; esac
left=$#
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    if [ "$argument" = -gencode ] && [ "$left" -gt 0 ]; then
        case $1 in *"code=sm_${major}"[0-9] | *"code=sm_${major}"[0-9][a-z]) set -- "$@" -gencode "$1" ;; esac
        shift
        left=$((left - 1))
    else
        set -- "$@" "$argument"
    fi
done
exec "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" "$@"
