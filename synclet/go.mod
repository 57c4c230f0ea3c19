module pytilt/synclet

go 1.21
