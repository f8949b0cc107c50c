#!/bin/sh
# System packages that the wheels do not bring: what Qt's platform plugins link to, a font, PortAudio, venv.
#
#   system-deps.sh          install what is missing (Debian, Ubuntu, Fedora; as root or with passwordless sudo)
#   system-deps.sh --check  only look: exit 0 if nothing is missing, 1 if something useful is, 2 if nothing runs without it
#   system-deps.sh --list   every package for this system, missing or not
#
# Without root it prints the command and exits 0, or 1 if something essential is missing.
# WORKBENCH_NO_SYSTEM_DEPS=1 skips all of it. PYTHON names the interpreter the environment will be made with.
set -u

# need | found as | Debian and Ubuntu | Fedora.   "essential" is what even an offscreen start or `make` needs.
table() {
    cat <<'TABLE'
essential libGL.so.1 libgl1 libglvnd-glx
essential libEGL.so.1 libegl1 libglvnd-egl
essential libxkbcommon.so.0 libxkbcommon0 libxkbcommon
essential libfontconfig.so.1 libfontconfig1 fontconfig
essential libdbus-1.so.3 libdbus-1-3 dbus-libs
essential libglib-2.0.so.0 libglib2.0-0 glib2
essential libX11.so.6 libx11-6 libX11
essential font: fonts-dejavu-core dejavu-sans-fonts
essential venv: python3-venv python3
window libX11-xcb.so.1 libx11-xcb1 libX11-xcb
window libxkbcommon-x11.so.0 libxkbcommon-x11-0 libxkbcommon-x11
window libxcb-cursor.so.0 libxcb-cursor0 xcb-util-cursor
window libxcb-icccm.so.4 libxcb-icccm4 xcb-util-wm
window libxcb-image.so.0 libxcb-image0 xcb-util-image
window libxcb-keysyms.so.1 libxcb-keysyms1 xcb-util-keysyms
window libxcb-randr.so.0 libxcb-randr0 libxcb
window libxcb-render-util.so.0 libxcb-render-util0 xcb-util-renderutil
window libxcb-shape.so.0 libxcb-shape0 libxcb
window libxcb-shm.so.0 libxcb-shm0 libxcb
window libxcb-sync.so.1 libxcb-sync1 libxcb
window libxcb-util.so.1 libxcb-util1 xcb-util
window libxcb-xfixes.so.0 libxcb-xfixes0 libxcb
window libxcb-xkb.so.1 libxcb-xkb1 libxcb
window libwayland-client.so.0 libwayland-client0 libwayland-client
window libwayland-cursor.so.0 libwayland-cursor0 libwayland-cursor
window libwayland-egl.so.1 libwayland-egl1 libwayland-egl
sound libportaudio.so.2 libportaudio2 portaudio
TABLE
}

say() { printf '%s\n' "$*"; }

family() {
    ID='' ID_LIKE=''
    release=${OS_RELEASE:-/etc/os-release}
    # shellcheck disable=SC1090
    [ -r "$release" ] && . "$release"
    case " $ID $ID_LIKE " in
        *" debian "* | *" ubuntu "*) echo debian ;;
        *" fedora "* | *" rhel "*) echo fedora ;;
        *) echo other ;;
    esac
}

libraries() {
    loader=$(command -v ldconfig || echo /sbin/ldconfig)
    "$loader" -p 2>/dev/null
}

has_font() {
    for folder in ${FONT_FOLDERS:-/usr/share/fonts /usr/local/share/fonts "$HOME/.fonts" "$HOME/.local/share/fonts"}; do
        [ -d "$folder" ] && [ -n "$(find -L "$folder" \( -name '*.ttf' -o -name '*.otf' -o -name '*.ttc' \) -print -quit)" ] &&
            return 0
    done
    return 1
}

is_there() {
    case $1 in
        font:) has_font ;;
        venv:) "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null ;;
        *) printf '%s\n' "$known" | grep -qF "	$1 " ;;
    esac
}

# Lines "need package" of what is missing, or of everything with "all".
wanted() {
    table | while read -r need mark debian fedora; do
        [ "$1" = all ] || ! is_there "$mark" || continue
        case $system in
            debian) say "$need $debian" ;;
            fedora) say "$need $fedora" ;;
            *) say "$need $mark" ;;
        esac
    done
}

packages() { printf '%s\n' "$1" | awk -v need="$2" 'NF && (need == "" || $1 == need) { print $2 }' | sort -u | tr '\n' ' '; }

[ "$(uname -s)" = Linux ] && [ -z "${WORKBENCH_NO_SYSTEM_DEPS:-}" ] || exit 0
system=$(family)
known=$(libraries)
[ -n "$known" ] || exit 0 # no list of libraries (Nix, musl): nothing sensible can be said

if [ "${1:-}" = --list ]; then
    packages "$(wanted all)" ''
    echo
    exit 0
fi

missing=$(wanted missing)
essential=$(packages "$missing" essential)
every=$(packages "$missing" '')
if [ "${1:-}" = --check ]; then
    [ -z "$every" ] && exit 0
    say "missing: $every"
    [ -z "$essential" ] && exit 1
    exit 2
fi
[ -z "$every" ] && exit 0

if [ "$(id -u)" = 0 ]; then
    become=''
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    become='sudo -n'
else
    become=none
fi

# shellcheck disable=SC2086  # lists of words on purpose
install() {
    case $system in
        debian)
            $become env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
                -o DPkg::Lock::Timeout=120 $1 >/dev/null
            ;;
        fedora) $become dnf install -q -y --setopt=install_weak_deps=False $1 ;;
    esac
}

if [ "$system" != other ] && [ "$become" != none ]; then
    say "Installing system packages: $every"
    # shellcheck disable=SC2086
    [ "$system" = debian ] && $become apt-get update -qq -o DPkg::Lock::Timeout=120
    install "$every" && exit 0
    [ -z "$essential" ] || install "$essential" || {
        say "These packages could not be installed, and nothing runs without them: $essential"
        exit 1
    }
    say "Some packages could not be installed: $every"
    say "Without them there may be no window (xcb, wayland) or no sound (portaudio); all else works."
    exit 0
fi

case $system in
    debian) say "Please install: sudo apt-get install $every" ;;
    fedora) say "Please install: sudo dnf install $every" ;;
    *) say "Please install the packages that bring: $every" ;;
esac
[ -z "$essential" ] || {
    say "Nothing runs without: $essential"
    exit 1
}
say "Until then there may be no window (xcb, wayland) or no sound (portaudio); all else works."
