/** How a running hub is told to restart its parts with the secrets as they are now. SIGHUP stops it, as Ctrl-C does. */
export const reloadSignal = 'SIGUSR2'
