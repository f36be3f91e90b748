// Adds to the connect page what it can do without: fields say at once what is wrong with them, and a form is sent once.
// The hub checks everything again; without this file the page works the same.
'use strict'

function problemOf(input) {
  const value = input.value.trim()
  if (value === '') return input.required ? input.dataset.missing : ''
  const { pattern } = input.dataset
  if (pattern === undefined || new RegExp(pattern).test(value)) return ''
  return input.dataset.hint
}

function show(input, problem) {
  const place = document.getElementById(`${input.id}-error`)
  if (!place) return
  place.textContent = problem
  place.hidden = problem === ''
  if (problem === '') input.removeAttribute('aria-invalid')
  else input.setAttribute('aria-invalid', 'true')
}

for (const form of document.querySelectorAll('form[data-check]')) {
  form.noValidate = true
  const inputs = [...form.querySelectorAll('[data-missing]')]
  for (const input of inputs) {
    // Nobody is told off while typing; a mistake that has been shown goes as soon as it is mended.
    input.addEventListener('blur', () => input.value.trim() !== '' && show(input, problemOf(input)))
    input.addEventListener('input', () => {
      if (input.hasAttribute('aria-invalid')) show(input, problemOf(input))
    })
  }
  form.addEventListener('submit', (event) => {
    for (const input of inputs) show(input, problemOf(input))
    const first = inputs.find((input) => input.hasAttribute('aria-invalid'))
    if (!first) return
    event.preventDefault()
    first.focus()
  })
}

for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    if (event.defaultPrevented) return
    if (form.dataset.sent) event.preventDefault()
    form.dataset.sent = 'yes'
  })
}

// A page that the browser brings back from its memory may be sent again.
addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sent
})
