/** The names of a flag that takes several, separated by commas. */
export const listOfNames = (text: string | undefined): string[] | undefined =>
  text
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
