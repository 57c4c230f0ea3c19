"""Where things are and how frames look; colours come from the theme."""

CSS = """
Screen { background: $background; color: $foreground; }

#status, #titles, #keys, #log-title { height: 1; }
#status, #keys { background: $panel; }
#table { height: 1fr; background: $background; }
#log-pane { background: $background; }
#log-pane.half { height: 50%; }
#log-pane.full { height: 1fr; }
#log { height: 1fr; background: $background; }
#search { height: 1; border: none; padding: 0 1; background: $surface; }
#search:focus { border: none; }

ModalScreen { align: center middle; background: $background 60%; }
.frame {
    width: auto; min-width: 44; max-width: 90%; height: auto; max-height: 90%;
    background: $surface; border: round $primary; padding: 1 2;
    border-title-color: $primary; border-title-style: bold; border-subtitle-color: $secondary;
}
.frame.wide { width: 84; }
.frame Static { width: auto; max-width: 100%; }
.frame Input { width: 60; max-width: 100%; margin-top: 1; border: tall $primary; background: $background; }
.frame VerticalScroll { width: 64; max-width: 100%; height: auto; max-height: 24; background: $surface; }
.frame Tick { width: auto; margin-top: 1; }
.frame Tick:focus { text-style: reverse; }
.frame VerticalScroll > Static { margin-top: 1; }
.frame VerticalScroll > Input, .frame VerticalScroll > Select { margin-top: 0; }
.frame Select { width: 60; max-width: 100%; }
.frame OptionList {
    width: auto; min-width: 38; height: auto; max-height: 20;
    border: none; background: $surface; padding: 0;
}
.frame _PopupLines { max-height: 100%; background: $surface; }

CommandPalette SearchIcon { display: none; }
CommandPalette > Vertical { width: 76; max-width: 96%; }
OptionList, CommandList { scrollbar-size-vertical: 1; }

Toast { background: $panel; }
"""
