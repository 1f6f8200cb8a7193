# bash completion of coppice: source <(coppice completion bash)

_coppice() {
  local line=${COMP_LINE:0:COMP_POINT} offer
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local word=${words[${#words[@]}-1]}
  # Words are also broken at these: bash replaces what is behind the last one.
  local kept=${word%"${word##*[:=]}"}
  COMPREPLY=()
  while IFS= read -r offer; do
    offer=${offer%%$'\t'*}
    printf -v offer %q "${offer#"$kept"}"
    COMPREPLY+=("$offer")
  done < <("${words[0]}" "${words[@]:1}" --generate-bash-completion 2>/dev/null)
}

complete -o default -F _coppice coppice
