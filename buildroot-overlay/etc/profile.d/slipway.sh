# Completions for who types.
if [ -n "${BASH_VERSION-}" ] && [ -n "${PS1-}" ]; then
    eval "$(slipway completions bash 2>/dev/null)"
fi
