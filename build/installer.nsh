; What the Windows installer does besides copying files: Muster starts with each sign-in, in the tray and without a window.
; Written from NSIS's documentation; not run on a real Windows yet.
!macro customInstall
  SetRegView 64
  WriteRegStr HKLM "Software\Microsoft\Windows\CurrentVersion\Run" "Muster" '"$INSTDIR\${APP_EXECUTABLE_FILENAME}" --background'
!macroend

!macro customUnInstall
  SetRegView 64
  DeleteRegValue HKLM "Software\Microsoft\Windows\CurrentVersion\Run" "Muster"
!macroend
